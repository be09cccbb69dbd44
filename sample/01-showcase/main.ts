import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';

const adapter = process.env['ADAPTER'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: ['warn', 'error'] });
app.enableShutdownHooks();
// Loopback: the dashboard is open to everybody who reaches the port.
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
const url = `http://localhost:${new URL(await app.getUrl()).port}`;
console.log(`The showcase is at ${url} (GET / explains), its dashboard at ${url}/operations`);

import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CancelableModule } from 'nestjs-cancelable';
import { hidePackage } from '../support/hide-package.js';

hidePackage('@nestjs/microservices');

const { microservices } = await import('nestjs-cancelable/microservices');

@Module({ imports: [CancelableModule.forRoot({ extensions: [microservices()] })] })
class AppModule {}

const message = await NestFactory.createApplicationContext(AppModule, {
  logger: false,
  abortOnError: false,
}).then(
  () => 'it started',
  (error: Error) => error.message,
);
console.log(JSON.stringify({ message }));

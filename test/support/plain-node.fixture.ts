import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClsModule, ClsService } from 'nestjs-cls';
import * as cancelable from 'nestjs-cancelable';

@Injectable()
class Greeter {
  constructor(private readonly cls: ClsService) {}

  greet(): string {
    return this.cls.run(() => (this.cls.isActive() ? 'injected' : 'inactive'));
  }
}

@Module({ imports: [ClsModule.forRoot()], providers: [Greeter] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
console.log(app.get(Greeter).greet(), typeof cancelable);
await app.close();

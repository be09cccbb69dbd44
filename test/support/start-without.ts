import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type CancelableExtension, CancelableModule } from 'nestjs-cancelable';
import { hidePackage } from './hide-package.js';

/** Starts an application whose extension lacks a package, and prints what the start says. */
export async function startWithout(
  name: string,
  load: () => Promise<CancelableExtension>,
): Promise<void> {
  hidePackage(name);
  const extension = await load();

  @Module({ imports: [CancelableModule.forRoot({ extensions: [extension] })] })
  class AppModule {}

  const message = await NestFactory.createApplicationContext(AppModule, {
    logger: false,
    abortOnError: false,
  }).then(
    () => 'it started',
    (error: Error) => error.message,
  );
  console.log(JSON.stringify({ message }));
}

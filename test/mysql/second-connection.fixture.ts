import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createPool } from 'mysql2/promise';
import { CancelableModule, OperationRegistry } from 'nestjs-cancelable';
import { mysql } from 'nestjs-cancelable/mysql';

@Module({ imports: [CancelableModule.forRoot({ extensions: [mysql()] })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const registry = app.get(OperationRegistry);
const pool = createPool({ ...JSON.parse(process.env['MYSQL_OPTIONS']!), connectionLimit: 2 });
const countOf = async (condition: string): Promise<number> => {
  const sql = `SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE ${condition}`;
  return ((await pool.query(sql))[0] as [{ count: number }])[0].count;
};
const operation = registry.spawn({ name: 'sleep', settle: 'wait' }, () =>
  pool.query('SELECT SLEEP(60)'),
);
operation.result.catch(() => {});
while ((await countOf("INFO = 'SELECT SLEEP(60)'")) === 0);
operation.cancel();
await operation.result.catch(() => {});
const connections = await countOf("USER <> 'system user'");
await pool.end();
const began = performance.now();
process.once('beforeExit', () => {
  console.log(JSON.stringify({ connections, aliveFor: performance.now() - began }));
});

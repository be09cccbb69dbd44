import type { Type } from '@nestjs/common';
import type * as Swaggers from '@nestjs/swagger';
import { loadIfInstalled } from '../scope/load-peer.js';
import { SORTS } from './api-types.js';

type Swagger = typeof Swaggers;

const SUMMARIES: Readonly<Record<string, string>> = {
  info: 'Where the application stands, and what the caller may do',
  list: 'The live operations that match',
  history: 'The operations that ended and match',
  detail: 'One operation, its ancestors and descendants',
  cancel: 'Cancels one operation and everything below it',
  cancelMany:
    'Without `confirmed`, counts what would be canceled; with it, cancels so many at most',
  statistics: 'The numbers since the start, and of the last hour',
  instances: 'The instances of the service',
  follow: 'Server-sent events: reset, changes, info',
};

const HIDDEN = ['page', 'asset'];

const TEXTS = [
  'status',
  'reason',
  'kind',
  'name',
  'tag',
  'rootId',
  'parentId',
  'text',
  'olderThan',
];

/** Documents the routes of a dashboard, where `@nestjs/swagger` is installed. */
export async function describeRoutes(controller: Type): Promise<void> {
  const swagger = await loadIfInstalled('@nestjs/swagger', () => import('@nestjs/swagger'));
  if (swagger === undefined) return;
  swagger.ApiTags('operations')(controller);
  for (const key of HIDDEN) decorate(controller, key, swagger.ApiExcludeEndpoint());
  for (const [key, summary] of Object.entries(SUMMARIES)) {
    decorate(controller, key, swagger.ApiOperation({ summary }));
  }
  describeQueries(swagger, controller);
  describeBodies(swagger, controller);
}

function describeQueries(swagger: Swagger, controller: Type): void {
  const { ApiQuery } = swagger;
  const instances = ApiQuery({ name: 'instances', enum: ['this', 'all'], required: false });
  for (const key of ['list', 'history']) {
    for (const name of TEXTS) {
      decorate(controller, key, ApiQuery({ name, type: String, required: false }));
    }
    decorate(controller, key, ApiQuery({ name: 'zombie', type: Boolean, required: false }));
    decorate(controller, key, ApiQuery({ name: 'sort', enum: [...SORTS], required: false }));
    decorate(controller, key, ApiQuery({ name: 'order', enum: ['asc', 'desc'], required: false }));
    for (const name of ['offset', 'limit']) {
      decorate(controller, key, ApiQuery({ name, type: Number, required: false }));
    }
  }
  for (const key of ['list', 'history', 'detail', 'statistics']) {
    decorate(controller, key, instances);
  }
}

function describeBodies({ ApiBody }: Swagger, controller: Type): void {
  const message = { type: 'string', maxLength: 500 };
  const instances = { type: 'string', enum: ['this', 'all'] };
  const cancel = { type: 'object', properties: { message, instances } };
  const cancelMany = {
    type: 'object',
    required: ['filter'],
    properties: { filter: { type: 'object' }, confirmed: { type: 'integer' }, message, instances },
  };
  decorate(controller, 'cancel', ApiBody({ schema: cancel }));
  decorate(controller, 'cancelMany', ApiBody({ schema: cancelMany }));
}

function decorate({ prototype }: Type, key: string, decorator: MethodDecorator): void {
  const target = prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(target, key);
  if (descriptor !== undefined) decorator(target, key, descriptor);
}

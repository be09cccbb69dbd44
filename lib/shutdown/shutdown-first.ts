import { Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { Drain } from './drain.js';
import { HttpServers } from './http-shutdown.js';

/** Nearer than the root module: Nest destroys the nearest first. */
const NEAREST = -1;

/**
 * Drains in `onModuleDestroy`, where no HTTP adapter announces the end: application contexts,
 * microservices, and all of Nest 11. It is a module of its own so that it can be put before all
 * others: Nest calls the hooks of a global module, such as ours, last.
 */
@Injectable()
export class ShutdownHook implements OnModuleDestroy {
  constructor(
    @Inject(Drain) private readonly drain: Drain,
    @Inject(HttpServers) private readonly servers: HttpServers,
  ) {}

  async onModuleDestroy(): Promise<void> {
    if (!this.servers.isShared) await this.drain.begin();
  }
}

/** Holds the hook. */
@Module({ providers: [ShutdownHook] })
export class ShutdownModule {}

/** Nest sorts modules by their distance from the root when it first calls hooks. */
export function shutDownFirst(modules: ModulesContainer): void {
  for (const module of modules.values()) {
    if (module.metatype === ShutdownModule) module.distance = NEAREST;
  }
}

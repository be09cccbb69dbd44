import { Inject, Injectable } from '@nestjs/common';
import { clusterLinkOf } from '../registry/cluster-node.js';
import { OperationRegistry } from '../registry/operation-registry.js';
import { Access } from './access.js';
import type { DashboardInfo } from './api-types.js';
import { DASHBOARD_OPTIONS, DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import type { DashboardOptions, DashboardRequest } from './dashboard-options.js';
import { Standing } from './standing.js';

/** What a page has to know before it shows anything. */
@Injectable()
export class DashboardInfoReader {
  constructor(
    @Inject(DASHBOARD_OPTIONS) private readonly options: DashboardOptions,
    @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
    @Inject(Access) private readonly access: Access,
    @Inject(Standing) private readonly standing: Standing,
  ) {}

  read(request: DashboardRequest): DashboardInfo {
    const live = OperationRegistry.liveOf(this.registry);
    const { title = 'Operations' } = this.options;
    const { name, service } = clusterLinkOf(live);
    const isShared = service !== '';
    return {
      title,
      instance: name,
      service: isShared ? service : undefined,
      cluster: isShared,
      statistics: this.access.canReadStatistics(request),
      ...this.standing.read(),
    };
  }
}

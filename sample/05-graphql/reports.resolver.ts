import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { Cancelable } from 'nestjs-cancelable';
import { Report } from './report.js';
import { ReportsService } from './reports.service.js';

@Resolver(() => Report)
export class ReportsResolver {
  constructor(private readonly reports: ReportsService) {}

  @Query(() => Report)
  @Cancelable('10s')
  async report(@Args('city') city: string): Promise<Report> {
    return this.reports.find(city);
  }

  @Query(() => String)
  @Cancelable('1s')
  async hurriedSummary(@Args('city') city: string): Promise<string> {
    return this.reports.summarise(city);
  }

  /** Not decorated, and not reached by interceptors: what it calls stops with the client all the same. */
  @ResolveField(() => String)
  async summary(@Parent() report: Report): Promise<string> {
    return this.reports.summarise(report.city);
  }
}

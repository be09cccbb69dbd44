import {
  Controller,
  Get,
  Inject,
  NotFoundException,
  Param,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
  BadRequestException,
  ForbiddenException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { markUnobserved } from '../methods/method-metadata.js';
import type { OperationRegistry } from '../registry/operation-registry.js';
import { Access } from './access.js';
import { basePathOf } from './base-path.js';
import { Cancels } from './cancels.js';
import { DashboardInfoReader } from './dashboard-info.js';
import type { DashboardOptions, DashboardRequest, DashboardRoute } from './dashboard-options.js';
import { DASHBOARD_OPTIONS, DASHBOARD_REGISTRY } from './dashboard-tokens.js';
import { Feed } from './feed.js';
import { HostGuard } from './host-guard.js';
import { OperationViews } from './operation-views.js';
import { type PageFile, PageFiles } from './page-files.js';
import { asksAll, readListQuery, readPage, readQuery } from './read-query.js';
import { StatisticsSeries } from './statistics-series.js';
import { allowOnly, readMessage, readSteeringBody } from './steering-request.js';
import type { Listed } from './subjects.js';

const JSON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** The routes of one dashboard: a class of its own, since its path and guards are its own. */
export function createDashboardController({ path, guards = [] }: DashboardRoute): Type {
  @Controller({ path: path ?? 'operations', version: VERSION_NEUTRAL })
  @UseGuards(HostGuard, ...guards)
  class CancelableDashboardController {
    constructor(
      @Inject(DASHBOARD_OPTIONS) private readonly options: DashboardOptions,
      @Inject(DASHBOARD_REGISTRY) private readonly registry: OperationRegistry,
      @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
      @Inject(Access) private readonly access: Access,
      @Inject(PageFiles) private readonly files: PageFiles,
      @Inject(DashboardInfoReader) private readonly infoReader: DashboardInfoReader,
      @Inject(OperationViews) private readonly views: OperationViews,
      @Inject(Cancels) private readonly cancels: Cancels,
      @Inject(StatisticsSeries) private readonly series: StatisticsSeries,
      @Inject(Feed) private readonly feed: Feed,
    ) {}

    @Get()
    page(@Req() request: DashboardRequest, @Res() response: object): void {
      const { basePath, title = 'Operations' } = this.options;
      const url = String(request['originalUrl'] ?? request['url']);
      this.sendFile(response, this.files.page(basePathOf(request, basePath, url), title));
    }

    @Get('assets/:name')
    asset(@Param('name') name: string, @Res() response: object): void {
      const file = this.files.asset(name);
      if (file === undefined) throw new NotFoundException();
      this.sendFile(response, file);
    }

    @Get('api/info')
    info(@Req() request: DashboardRequest, @Res() response: object): void {
      this.send(response, this.infoReader.read(request));
    }

    @Get('api/operations')
    list(@Req() request: DashboardRequest, @Res() response: object): Promise<void> {
      return this.sendPage('list', request, response);
    }

    @Get('api/history')
    history(@Req() request: DashboardRequest, @Res() response: object): Promise<void> {
      return this.sendPage('history', request, response);
    }

    @Get('api/operations/:id')
    async detail(
      @Param('id') id: string,
      @Req() request: DashboardRequest,
      @Res() response: object,
    ): Promise<void> {
      this.send(response, await this.views.detail(id, request, asksAll(request['query'])));
    }

    @Post('api/operations/:id/cancel')
    async cancel(
      @Param('id') id: string,
      @Req() request: DashboardRequest,
      @Res() response: object,
    ): Promise<void> {
      const body = readSteeringBody(request);
      allowOnly(body, 'message', 'instances');
      const message = readMessage(body['message']);
      this.send(response, await this.cancels.one(id, request, message, asksAll(body)));
    }

    @Post('api/cancelations')
    async cancelMany(@Req() request: DashboardRequest, @Res() response: object): Promise<void> {
      const body = readSteeringBody(request);
      allowOnly(body, 'filter', 'confirmed', 'message', 'instances');
      const query = readQuery(body['filter']);
      const { confirmed } = body;
      if (confirmed === undefined) {
        this.send(response, await this.cancels.preview(query, request, asksAll(body)));
        return;
      }
      if (!Number.isSafeInteger(confirmed) || (confirmed as number) < 0) {
        throw new BadRequestException('confirmed has to be the count that was shown');
      }
      const message = readMessage(body['message']);
      const all = asksAll(body);
      this.send(
        response,
        await this.cancels.many(query, confirmed as number, request, message, all),
      );
    }

    @Get('api/statistics')
    async statistics(@Req() request: DashboardRequest, @Res() response: object): Promise<void> {
      this.checkStatistics(request);
      const samples = this.series.read();
      if (!asksAll(request['query'])) {
        this.send(response, { statistics: this.registry.statistics(), samples });
        return;
      }
      const { statistics, ...answer } = await this.registry.cluster.statistics();
      this.send(response, { statistics, samples, answer });
    }

    @Get('api/instances')
    async instances(@Req() request: DashboardRequest, @Res() response: object): Promise<void> {
      this.checkStatistics(request);
      this.send(response, await this.registry.cluster.instances());
    }

    @Get('api/feed')
    follow(@Req() request: DashboardRequest, @Res() response: object): void {
      const lastId = request.headers['last-event-id'];
      this.feed.open(request, response, typeof lastId === 'string' ? lastId : undefined);
    }

    private async sendPage(
      what: Listed,
      request: DashboardRequest,
      response: object,
    ): Promise<void> {
      const { query } = request;
      const wanted = readListQuery(query);
      const page = readPage(query, what === 'history' ? 'endedAt' : 'startedAt');
      this.send(response, await this.views.list(what, request, wanted, page, asksAll(query)));
    }

    private checkStatistics(request: DashboardRequest): void {
      if (!this.access.canReadStatistics(request)) {
        throw new ForbiddenException('You may not see the numbers of all operations together');
      }
    }

    /** Written here, so that no interceptor of the application wraps what the page reads. */
    private send(response: object, body: object): void {
      this.reply(response, body, JSON_HEADERS);
    }

    private sendFile(response: object, { text, headers }: PageFile): void {
      this.reply(response, text, headers);
    }

    private reply(
      response: object,
      body: object | string,
      headers: Readonly<Record<string, string>>,
    ): void {
      const { httpAdapter } = this.host;
      for (const [name, value] of Object.entries(headers)) {
        httpAdapter.setHeader(response, name, value);
      }
      httpAdapter.reply(response, body, 200);
    }
  }
  markUnobserved(CancelableDashboardController);
  return CancelableDashboardController;
}

import { Injectable, NotFoundException } from '@nestjs/common';
import { Args, Field, ObjectType, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { GraphQLError } from 'graphql';
import {
  Cancelable,
  CancelToken,
  type CancelationError,
  CancelationToken,
  currentToken,
  NotCancelable,
  OperationNotFound,
} from 'nestjs-cancelable';
import { deferred } from '../support/deferred.js';

/** Resolvers that wait until they are canceled, or a test lets them go. */
export function createReports() {
  const gate = deferred<string>();
  const errors: CancelationError[] = [];
  const inField = deferred();
  const asked = deferred();
  const started: string[] = [];

  @ObjectType()
  class Report {
    @Field(() => String)
    city!: string;
    @Field(() => String)
    summary?: string;
    @Field(() => String)
    detail?: string;
    @Field(() => String, { nullable: true })
    plain?: string;
  }

  @Injectable()
  class ReportsService {
    @Cancelable({ name: 'reports.render' })
    async render(city: string, token = currentToken()): Promise<string> {
      token.onCancel((error) => errors.push(error));
      started.push(city);
      inField.resolve();
      return `${city}: ${await gate.promise}`;
    }

    @Cancelable({ name: 'reports.brief', timeout: 200 })
    async brief(_token = currentToken()): Promise<string> {
      return gate.promise;
    }
  }

  @Resolver(() => Report)
  class ReportsResolver {
    constructor(private readonly reports: ReportsService) {}

    @Query(() => Report)
    @Cancelable()
    async report(@Args('city') city: string): Promise<Report> {
      return { city };
    }

    @Query(() => String)
    @Cancelable()
    async waiting(@CancelToken() token: CancelationToken): Promise<string> {
      token.onCancel((error) => errors.push(error));
      return gate.promise;
    }

    @Query(() => String)
    async plainWaiting(): Promise<string> {
      return gate.promise;
    }

    @Query(() => Report)
    async plainReport(): Promise<Report> {
      asked.resolve();
      await gate.promise;
      return { city: 'Rome' };
    }

    @Query(() => String)
    @Cancelable()
    async rendered(): Promise<string> {
      return this.reports.render('Rome');
    }

    @Query(() => String)
    @Cancelable(200)
    async brief(): Promise<string> {
      return gate.promise;
    }

    @Query(() => String)
    @Cancelable({ onDisconnect: 'ignore' })
    async stubborn(): Promise<string> {
      return gate.promise;
    }

    @Query(() => String)
    @Cancelable({ onDisconnect: 'cancel' })
    async following(): Promise<string> {
      return gate.promise;
    }

    @Query(() => String)
    @NotCancelable()
    async untouched(): Promise<string> {
      return gate.promise;
    }

    @Query(() => String)
    @Cancelable()
    async failing(@Args('how') how: string): Promise<string> {
      if (how === 'http') throw new NotFoundException('no such report');
      if (how === 'graphql') {
        throw new GraphQLError('mine', { extensions: { code: 'MINE' } });
      }
      throw new OperationNotFound('the id 7 of Alice');
    }

    /** A decorated field resolver. */
    @ResolveField(() => String)
    @Cancelable()
    async summary(@Parent() report: Report): Promise<string> {
      return this.reports.render(report.city);
    }

    /** An undecorated one, without parameters: Nest calls it directly. */
    @ResolveField(() => String)
    async detail(report: Report): Promise<string> {
      return this.reports.render(report.city);
    }

    @ResolveField(() => String, { nullable: true })
    async plain(): Promise<string> {
      return this.reports.brief();
    }
  }
  return { gate, errors, inField, asked, started, providers: [ReportsResolver, ReportsService] };
}

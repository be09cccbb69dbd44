import { isIPv4 } from 'node:net';
import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  Logger,
} from '@nestjs/common';
import { SafeLog } from '../operation/safe-log.js';
import type { DashboardOptions, DashboardRequest } from './dashboard-options.js';
import { DASHBOARD_OPTIONS } from './dashboard-tokens.js';

const LONGEST_NAME = 253;

/**
 * Lets in who asks for the dashboard by a name that is its own. A page elsewhere may turn its own name
 * into this machine's address once it is loaded (DNS rebinding): what it asks then is of one origin for
 * the browser, and only the name in `Host` tells that it is not.
 */
@Injectable()
export class HostGuard implements CanActivate {
  private readonly allowed: true | readonly string[];
  private readonly log = SafeLog.over(new Logger('CancelableDashboard'));
  private hasToldLog = false;

  constructor(@Inject(DASHBOARD_OPTIONS) { allowedHosts, guards }: DashboardOptions) {
    const hosts = allowedHosts ?? (guards === undefined ? [] : true);
    this.allowed = hosts === true ? true : hosts.map((host) => host.toLowerCase());
  }

  /** @throws ForbiddenException */
  canActivate(context: ExecutionContext): boolean {
    if (this.allowed === true) return true;
    const host = hostOf(context.switchToHttp().getRequest<DashboardRequest>().headers);
    if (isAllowed(nameOf(host), this.allowed)) return true;
    this.tellLog(String(host));
    throw new ForbiddenException('The dashboard is not to be asked for by this host name');
  }

  private tellLog(host: string): void {
    if (this.hasToldLog) return;
    this.hasToldLog = true;
    this.log.warn(
      `A request for the host ${host.slice(0, LONGEST_NAME)} was refused, as are all by a name that is ` +
        'neither local nor in allowedHosts. Add it if it is yours: anybody can turn a name of theirs ' +
        "into this machine's address.",
    );
  }
}

/** With its port. HTTP/2 has a name of its own for it. */
export function hostOf(headers: DashboardRequest['headers']): unknown {
  return headers['host'] ?? headers[':authority'];
}

function nameOf(host: unknown): string {
  const url = `http://${String(host)}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : '';
}

function isAllowed(name: string, allowed: readonly string[]): boolean {
  // The public DNS has no names without a dot: nobody can turn one elsewhere. IPv6 has none either.
  if (!name.includes('.')) return name !== '';
  if (isIPv4(name) || name.endsWith('.localhost')) return true;
  return allowed.some((host) =>
    host.startsWith('.') ? name === host.slice(1) || name.endsWith(host) : name === host,
  );
}

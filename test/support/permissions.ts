import { type CanActivate, Injectable } from '@nestjs/common';
import { Cancelable, currentOperation } from 'nestjs-cancelable';

@Injectable()
export class Permissions {
  @Cancelable({ name: 'permissions.check' })
  async check(): Promise<boolean> {
    return true;
  }

  @Cancelable({ name: 'permissions.slow', timeout: 20 })
  async slow(): Promise<boolean> {
    await currentOperation().sleep('1h');
    return true;
  }
}

/** Guards that call a decorated service, as most that look something up do. */
@Injectable()
export class CheckGuard implements CanActivate {
  constructor(private readonly permissions: Permissions) {}

  canActivate(): Promise<boolean> {
    return this.permissions.check();
  }
}

@Injectable()
export class SlowGuard implements CanActivate {
  constructor(private readonly permissions: Permissions) {}

  canActivate(): Promise<boolean> {
    return this.permissions.slow();
  }
}

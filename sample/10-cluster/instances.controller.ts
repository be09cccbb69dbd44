import { Controller, Get } from '@nestjs/common';
import { OperationRegistry } from 'nestjs-cancelable';
import { instanceName } from './instance-name.js';

@Controller('instances')
export class InstancesController {
  constructor(private readonly operations: OperationRegistry) {}

  /** As they know each other, over Redis. */
  @Get()
  async list() {
    return { servedBy: instanceName, ...(await this.operations.cluster.instances()) };
  }
}

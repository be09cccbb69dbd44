import { Controller, NotFoundException, Param, Post } from '@nestjs/common';
import { DemoService } from './demo.service.js';

/** The buttons of the home page. */
@Controller('demo')
export class DemoController {
  constructor(private readonly demo: DemoService) {}

  @Post(':kind')
  start(@Param('kind') kind: string) {
    const { kinds } = this.demo;
    if (!Object.hasOwn(kinds, kind)) throw new NotFoundException();
    kinds[kind as keyof typeof kinds]();
    return { started: kind };
  }
}

import { Controller, Get, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { explanation } from './explanation.js';
import { page } from './page.js';

/** What there is to try: buttons for a browser, lines to paste for a terminal. */
@Controller()
export class HomeController {
  constructor(private readonly host: HttpAdapterHost) {}

  @Get()
  home(@Req() request: { headers: Record<string, string | undefined> }, @Res() response: object) {
    const isBrowser = request.headers['accept']?.includes('text/html') === true;
    const url = `http://${request.headers['host'] ?? 'localhost:3000'}`;
    const { httpAdapter } = this.host;
    const type = isBrowser ? 'text/html' : 'text/plain';
    httpAdapter.setHeader(response, 'Content-Type', `${type}; charset=utf-8`);
    httpAdapter.reply(response, isBrowser ? page : explanation(url), 200);
  }
}

import { BaseExceptionFilter } from '@nestjs/core';
import { type EarlyResponder, earlyError } from '../early-responder.js';
import { answerTo } from './http-answer.js';
import { rawExchangeOf } from './raw.js';

export const earlyHttpErrors: EarlyResponder = {
  translate: (error, host, { http }) =>
    answerTo(rawExchangeOf(host), http.statusCodes ?? {}, earlyError(error)),
  answer: (error, host, { server }) => new BaseExceptionFilter(server).catch(error, host),
};

import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import got from 'got';
import http, { request as importedRequest } from 'node:http';
import https from 'node:https';
import { type Readable, Writable } from 'node:stream';
import ky from 'ky';
import nodeFetch from 'node-fetch';
import { firstValueFrom } from 'rxjs';
import * as undici from 'undici';

/** Reads a whole answer. */
export type HttpClient = (url: string) => Promise<string>;

/** Sends a body without an end, or one that is sent anyhow, and reads the answer. */
export type Uploader = (url: string, body: Readable) => Promise<string>;

const service = new HttpService(axios);

/** What libraries keep from before an application starts. */
const capturedFetch = globalThis.fetch;
const { request: capturedRequest } = http;

function withNode(
  request: typeof http.request,
  url: string,
  options: http.RequestOptions = {},
  body?: Readable,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', ...options });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', reject);
      response.on('end', () => resolve(text));
    });
    if (body === undefined) sent.end();
    else body.pipe(sent);
  });
}

const secure = (url: string) => (url.startsWith('https') ? https.request : undefined);

export const clients: Readonly<Record<string, HttpClient>> = {
  'fetch of a string': async (url) => (await fetch(url)).text(),
  'fetch of a URL': async (url) => (await fetch(new URL(url))).text(),
  'fetch of a Request': async (url) => (await fetch(new Request(url))).text(),
  'fetch with a signal': async (url) =>
    (await fetch(url, { signal: new AbortController().signal })).text(),
  'fetch that was kept from before': async (url) => (await capturedFetch(url)).text(),
  "undici's fetch": async (url) => (await undici.fetch(url)).text(),
  "undici's request": async (url) => (await undici.request(url)).body.text(),
  "undici's stream": async (url) => {
    let text = '';
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      text += chunk.toString();
      done();
    };
    await undici.stream(url, { method: 'GET' }, () => new Writable({ write }));
    return text;
  },
  "undici's request with an agent of its own": async (url) => {
    const dispatcher = new undici.Agent({ connections: 1 });
    const { body } = await undici.request(url, { dispatcher });
    return body.text();
  },
  'node:http': (url) => withNode(secure(url) ?? http.request, url),
  'node:http as it is imported': (url) => withNode(secure(url) ?? importedRequest, url),
  'node:http that was kept from before': (url) => withNode(secure(url) ?? capturedRequest, url),
  'node:http without an agent': (url) =>
    withNode(secure(url) ?? http.request, url, { agent: false }),
  axios: async (url) => (await axios.get<string>(url, { responseType: 'text' })).data,
  HttpService: async (url) =>
    (await firstValueFrom(service.get<string>(url, { responseType: 'text' }))).data,
  got: (url) => got(url, { retry: { limit: 2 } }).text(),
  ky: (url) => ky(url, { retry: { limit: 2, backoffLimit: 1 } }).text(),
  'node-fetch': async (url) => (await nodeFetch(url)).text(),
};

export const uploaders: Readonly<Record<string, Uploader>> = {
  fetch: async (url, body) =>
    (await fetch(url, { method: 'POST', body, duplex: 'half' } as never)).text(),
  "undici's request": async (url, body) =>
    (await undici.request(url, { method: 'POST', body })).body.text(),
  'node:http': (url, body) => withNode(http.request, url, {}, body),
  axios: async (url, body) => (await axios.post<string>(url, body)).data,
  got: (url, body) => got.post(url, { body }).text(),
  'node-fetch': async (url, body) => (await nodeFetch(url, { method: 'POST', body })).text(),
};

import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Instances } from './instances.js';

const COMMAND = /^\/instances\/(\w+)\/(kill|start)$/;

/**
 * One port for all instances: each request goes to the next that listens, or to the one that the
 * header `x-instance` names. Kills and starts them, too.
 */
export function createProxy(instances: Instances): Server {
  return createServer((incoming, response) => {
    const path = incoming.url ?? '/';
    const [, name, command] = (incoming.method === 'POST' && COMMAND.exec(path)) || [];
    if (name !== undefined) {
      void obey(instances, name, command as 'kill' | 'start', response);
    } else if (path === '/processes') {
      answer(response, 200, { processes: instances.list() });
    } else {
      pass(instances, incoming, response);
    }
  });
}

async function obey(
  instances: Instances,
  name: string,
  command: 'kill' | 'start',
  response: ServerResponse,
): Promise<void> {
  if (!instances.has(name)) {
    answer(response, 404, { message: `There is no instance ${name}` });
    return;
  }
  try {
    await instances[command](name);
    answer(response, 200, { processes: instances.list() });
  } catch (error) {
    answer(response, 500, { message: String(error) });
  }
}

function pass(instances: Instances, incoming: IncomingMessage, response: ServerResponse): void {
  const port = instances.portOf(incoming.headers['x-instance']?.toString());
  if (port === undefined) {
    answer(response, 503, { message: 'No such instance runs' });
    return;
  }
  const { url: path, method, headers } = incoming;
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers });
  outgoing.on('response', (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    // A follower sees at once that its instance is there.
    response.flushHeaders();
    answered.pipe(response);
    // Its instance was killed.
    answered.once('error', () => response.destroy());
  });
  outgoing.once('error', (error) => {
    if (response.headersSent) response.destroy();
    else answer(response, 502, { message: `The instance is gone: ${error.message}` });
  });
  // The client left: then the instance hears of it.
  response.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

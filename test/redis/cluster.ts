import { freePort, type RunningServer, startServer } from '../support/servers.js';
import { Observer } from './server.js';

/** Starts a Redis Cluster of two nodes, which share the keys. */
export async function startCluster(): Promise<RunningServer[]> {
  const nodes = await Promise.all([startNode(), startNode()]);
  const [one, other] = nodes;
  await one.observer.send('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await other.observer.send('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  const address = ['127.0.0.1', String(other.server.port), String(other.busPort)];
  await one.observer.send('CLUSTER', 'MEET', ...address);
  for (const { observer } of nodes) {
    for (let info = ''; !/state:ok[^]*known_nodes:2/.test(info);) {
      info = await observer.send('CLUSTER', 'INFO');
    }
    observer.close();
  }
  return nodes.map(({ server }) => server);
}

interface Node {
  readonly server: RunningServer;
  readonly observer: Observer;
  readonly busPort: number;
}

async function startNode(): Promise<Node> {
  const busPort = await freePort();
  const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
  const server = await startServer('redis', ...settings, '--cluster-announce-ip', '127.0.0.1');
  return { server, observer: await Observer.connect(server.port), busPort };
}

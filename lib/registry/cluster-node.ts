import { ClusterLink, type Identity } from '../cluster/cluster-link.js';
import { type ClusterSettings } from '../cluster/cluster-options.js';
import { answerCluster } from './cluster-answers.js';
import { ClusterFeeds } from './cluster-feeds.js';
import type { OperationStore } from './operation-store.js';

const links = new WeakMap<OperationStore, ClusterLink>();

/** How a registry reaches the other instances: the application's link, or one to nobody. */
export function clusterLinkOf(live: OperationStore): ClusterLink {
  return links.get(live) ?? serve(live, ClusterLink.alone(identityOf(live)));
}

/** There will be others: until they are joined, nobody knows of them, and answers say so. */
export function expectCluster(live: OperationStore, settings: ClusterSettings): ClusterLink {
  return serve(live, new ClusterLink(settings, identityOf(live)));
}

/**
 * Joins the other instances of a service. Nothing waits for it.
 *
 * @returns leaves them
 */
export function joinCluster(live: OperationStore, settings: ClusterSettings): ClusterNode {
  const expected = links.get(live);
  const link = expected?.isNew === true ? expected : expectCluster(live, settings);
  return {
    opened: link.open(),
    announce: () => link.presence.announce(),
    // It stays the link of the registry, and says that it does not know of the others any more.
    leave: () => link.close(),
  };
}

export interface ClusterNode {
  /** Never fails: the bus is open by then, or says in the log why not. */
  readonly opened: Promise<void>;
  /** Tells the others at once how this instance is. */
  announce(): void;
  leave(): Promise<void>;
}

function identityOf(live: OperationStore): Identity {
  return {
    id: live.ids.instance,
    createId: () => live.createId(),
    live: () => live.size,
    isDraining: () => live.phase !== 'open',
    log: live.log,
  };
}

function serve(live: OperationStore, link: ClusterLink): ClusterLink {
  answerCluster(link, live);
  const feeds = new ClusterFeeds(link, live);
  link.onClose(() => feeds.stop());
  links.set(live, link);
  return link;
}

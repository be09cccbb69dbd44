import { dismiss, notices } from '../data/notices.js';
import { useStore } from '../data/store.js';
import { Icon } from './icons.js';
import { Link } from './link.js';
import { Text } from './text.js';

/** What actions have led to. */
export function Notices() {
  const shown = useStore(notices);
  return (
    <div class="notices" role="status" aria-live="polite" aria-label="Results">
      {shown.map(({ key, text, tone, link }) => (
        <div class={`notice ${tone}`} key={key}>
          <Icon name={tone === 'good' ? 'completed' : 'failed'} />
          <span>
            <Text of={text} longest={400} />
          </span>
          {link !== undefined && <Link hash={link.hash}>{link.text}</Link>}
          <button type="button" class="twist" aria-label="Dismiss" onClick={() => dismiss(key)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

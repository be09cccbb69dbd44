import type { StatisticsAnswer } from '../../api-types.js';
import { address } from '../data/location.js';
import { formatCount } from '../logic/format.js';
import { hashOf } from '../logic/route.js';
import { Text } from '../parts/text.js';

type ByName = StatisticsAnswer['statistics']['byName'];

const COLUMNS = ['started', 'live', 'completed', 'failed', 'canceled'] as const;

/** The names that began most. */
export function NamesTable({ byName }: { readonly byName: ByName }) {
  const names = Object.entries(byName);
  if (names.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="names">
      <h2 id="names">By name</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Numbers by name">
        <table class="names">
          <thead>
            <tr>
              <th scope="col">Name</th>
              {COLUMNS.map((column) => (
                <th scope="col" key={column}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map(([name, numbers]) => (
              <tr key={name}>
                <th scope="row">
                  <a href={address(hashOf('history', new URLSearchParams({ name })))}>
                    <Text of={name} />
                  </a>
                </th>
                {COLUMNS.map((column) => (
                  <td key={column}>{formatCount(numbers[column])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

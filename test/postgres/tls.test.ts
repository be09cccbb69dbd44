import { describe, expect, it } from '@jest/globals';
import { localhost } from '../support/tls.js';
import { cancelOnceRunning, newPool, slow, start, usePostgres } from './support.js';

usePostgres({ tls: true });

describe('over TLS, a query of a canceled operation', () => {
  it.each<[string, boolean | object, string]>([
    ['without a check of the certificate', { rejectUnauthorized: false }, '127.0.0.1'],
    ['with a check of its name', { ca: localhost.cert }, 'localhost'],
  ])('is canceled on the server: %s', async (marker, ssl, host) => {
    const registry = await start();
    const pool = newPool({ max: 1, ssl, host });
    const { rows } = await pool.query(
      'SELECT pid, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    expect(rows[0]).toMatchObject({ ssl: true });
    await cancelOnceRunning(registry, marker, () => pool.query(slow(marker)));
    const after = await pool.query('SELECT pg_backend_pid() AS pid');
    expect(after.rows[0]).toMatchObject({ pid: (rows[0] as { pid: number }).pid });
  });
});

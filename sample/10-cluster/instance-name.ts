/** What answers call this instance. */
export const instanceName = process.env['INSTANCE'] ?? 'alone';

/** What the API answered instead of what was asked for. */
export class ApiError extends Error {
  /** @param status of HTTP; 0: there was no answer */
  constructor(
    readonly status: number,
    message: string,
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }

  /** Whoever looks may not. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

type Params = URLSearchParams | Readonly<Record<string, string>>;

/** Where something of the API is, under whatever path a proxy has put it. */
export function addressOf(path: string, params?: Params): string {
  const address = new URL(`api/${path}`, document.baseURI);
  if (params !== undefined) address.search = new URLSearchParams(params).toString();
  return address.href;
}

/** @throws ApiError */
export function getJson<Answer>(
  path: string,
  params?: Params,
  signal?: AbortSignal,
): Promise<Answer> {
  return request<Answer>(addressOf(path, params), signal === undefined ? {} : { signal });
}

/** @throws ApiError */
export function postJson<Answer>(path: string, body: object): Promise<Answer> {
  return request<Answer>(addressOf(path), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...csrfHeaders() },
    body: JSON.stringify(body),
  });
}

/**
 * Where the application checks a token against CSRF, by the usual names: the cookie `XSRF-TOKEN`, sent
 * back as a header, as axios and Angular do.
 */
function csrfHeaders(): Record<string, string> {
  const token = /(?:^|; )XSRF-TOKEN=([^;]+)/.exec(document.cookie)?.[1];
  return token === undefined ? {} : { 'X-XSRF-TOKEN': decodeURIComponent(token) };
}

async function request<Answer>(address: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(address, { cache: 'no-store', ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The server does not answer.');
  }
  const body = await readBody(response);
  if (!response.ok) throw new ApiError(response.status, messageOf(response, body), body);
  return body as Answer;
}

async function readBody(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function messageOf({ status }: Response, { message }: Readonly<Record<string, unknown>>): string {
  if (status === 401) return 'You are not signed in, or no longer.';
  if (typeof message === 'string' && message !== '') return message;
  return status === 403 ? 'You may not see this.' : `The server answered with status ${status}.`;
}

export function describeFailure(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

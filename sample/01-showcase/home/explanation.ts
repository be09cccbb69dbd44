/** What there is to try, with lines to paste. */
export function explanation(url: string): string {
  return `nestjs-cancelable: the showcase, on about 170,000 cities of GeoNames

Open ${url}/operations in a browser: what runs, what ran, and a button to stop it.

A report, streamed row by row. Press Ctrl-C in the middle of it:
  curl -N '${url}/cities/around?lat=48.85&lng=2.35&radius=1000'
then see why it stopped (reason: disconnect) and how many rows were delivered (partialResult.count):
  curl -s '${url}/operations/api/history?limit=1'

Computation with a timeout of two seconds. LI is quick, US is not and answers 504:
  curl -s '${url}/cities/nearest/LI'
  curl -s '${url}/cities/nearest/US'
  curl -s '${url}/cities/nearest/LI?seconds=1'

Search as you type: a client that gives up stops its search:
  curl -s '${url}/cities/search?q=san%20f'
  curl -s --max-time 0.1 '${url}/cities/search?q=zzz'

An import that goes on after the response; follow it, stop it:
  id=$(curl -s -X POST ${url}/imports | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
  curl -N "${url}/imports/$id/progress"
  curl -s -X DELETE "${url}/imports/$id"

Work to watch on the dashboard, each kind another: report, timeout, failure, zombie, latest, batch, minute
  curl -s -X POST ${url}/demo/minute

What runs, what ran, how it went:
  curl -s ${url}/operations/api/operations
  curl -s ${url}/operations/api/history
  curl -s ${url}/operations/api/statistics
  curl -s ${url}/metrics
`;
}

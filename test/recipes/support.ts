import { afterEach } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { type Adapter, type HttpApp, startHttpModule } from '../support/http-app.js';
import { PastedPage } from '../support/pasted-page.js';

const live: HttpApp[] = [];

afterEach(() => {
  // Else closing the application waits for work that the test has left behind.
  for (const { registry } of live.splice(0)) registry.cancelAll({}, { reason: 'shutdown' });
});

/** Starts the application of a recipe, `app.module.ts` of its page, as it stands there. */
export async function startRecipe(adapter: Adapter, name: string): Promise<HttpApp> {
  const page = await PastedPage.of(`docs/recipes/${name}.md`);
  const { AppModule } = await page.import<{ AppModule: Type }>('app.module.ts');
  const started = await startHttpModule(adapter, AppModule);
  live.push(started);
  return started;
}

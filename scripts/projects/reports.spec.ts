import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Cancelable,
  CancelableModule,
  CancelationToken,
  CancelToken,
  injected,
  OperationRegistry,
} from 'nestjs-cancelable';
import { OperationRecorder } from 'nestjs-cancelable/testing';
import { runInThread } from 'nestjs-cancelable/worker';

@Injectable()
class ReportsService {
  @Cancelable('50ms')
  async render(@CancelToken() token: CancelationToken = injected) {
    await token.sleep('1h');
  }
}

describe('a service with decorated methods', () => {
  it('is tested like any other', async () => {
    const module = await Test.createTestingModule({
      imports: [CancelableModule.forRoot()],
      providers: [ReportsService],
    }).compile();
    await module.init();
    const recorder = new OperationRecorder(module.get(OperationRegistry));
    await expect(module.get(ReportsService).render()).rejects.toMatchObject({ reason: 'timeout' });
    recorder.expectCanceled('ReportsService.render', 'timeout');
    expect(typeof runInThread).toBe('function');
    await module.close();
  });
});

export {
  checkCancelationBus,
  type CancelationBusCheck,
  type CancelationBusCheckOptions,
} from './check-cancelation-bus.js';
export { expectNoLeaks } from './expect-no-leaks.js';
export { OperationRecorder } from './operation-recorder.js';
export { type RecordedCancel, RecordingToken } from './recording-token.js';
export { Scenario, type ScenarioOptions } from './scenario.js';
export { simulateStream, type SimulatedStreamOptions } from './stream-simulator.js';

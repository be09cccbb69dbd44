// Sets the clock of a process ahead by CLOCK_AHEAD milliseconds, before anything reads it:
// `node --import <this file> application.ts`. What measures spans, performance.now(), goes on.
const ahead = Number(process.env.CLOCK_AHEAD ?? 0);
const RealDate = Date;

if (ahead !== 0) {
  globalThis.Date = class Date extends RealDate {
    constructor(...values) {
      if (values.length === 0) super(RealDate.now() + ahead);
      else super(...values);
    }

    static now() {
      return RealDate.now() + ahead;
    }
  };
}

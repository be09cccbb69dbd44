import { Injectable } from '@nestjs/common';
import type { Operation } from 'nestjs-cancelable';
import type { City } from '../cities/city.js';
import { CitySource } from '../cities/city-source.js';

/** Roughly how many rows there are, to tell how far an import is. */
const EXPECTED_ROWS = 171_000;

/** Copies all cities into an index by country, a thousand rows at a time. */
@Injectable()
export class ImportsService {
  private readonly byCountry = new Map<string, City[]>();

  constructor(private readonly source: CitySource) {}

  async import(operation: Operation): Promise<{ rows: number; countries: number }> {
    let rows = 0;
    for await (const chunk of operation.stream(this.source.read(), { chunk: 1_000, buffer: 0 })) {
      for (const city of chunk) this.countryOf(city).push(city);
      rows += chunk.length;
      operation.reportProgress({ message: 'rows imported', current: rows, total: EXPECTED_ROWS });
      await operation.sleep('50ms');
    }
    return { rows, countries: this.byCountry.size };
  }

  private countryOf({ country }: City): City[] {
    let cities = this.byCountry.get(country);
    if (cities === undefined) this.byCountry.set(country, (cities = []));
    return cities;
  }
}

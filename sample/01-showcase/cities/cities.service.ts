import { Injectable } from '@nestjs/common';
import { Cancelable, currentOperation } from 'nestjs-cancelable';
import { type City, distanceKm } from './city.js';
import { CitySource } from './city-source.js';

export interface CountryReport {
  readonly country: string;
  readonly cities: number;
  /** Mean distance from a city to its nearest neighbour in the country. */
  readonly meanNearestKm: number;
}

@Injectable()
export class CitiesService {
  constructor(private readonly source: CitySource) {}

  /** Cities around a place, each as soon as it is found. */
  async *within(centre: Pick<City, 'lat' | 'lng'>, radiusKm: number) {
    for await (const city of this.source.read()) {
      const km = Math.round(distanceKm(centre, city));
      if (km <= radiusKm) yield { ...city, km };
    }
  }

  /** The first cities whose name begins like this. */
  @Cancelable({ timeout: '10s', name: 'cities.search' })
  async search(beginning: string, limit: number, operation = currentOperation()): Promise<City[]> {
    const found: City[] = [];
    for await (const city of operation.stream(this.source.read(), { buffer: 0 })) {
      if (city.name.toLowerCase().startsWith(beginning)) found.push(city);
      if (found.length === limit) break;
    }
    return found;
  }

  /** Compares every city of a country with every other: seconds of pure computation. */
  @Cancelable({ name: 'cities.nearest' })
  async nearest(country: string, operation = currentOperation()): Promise<CountryReport> {
    const cities: City[] = [];
    for await (const city of operation.stream(this.source.read(), { buffer: 0 })) {
      if (city.country === country) cities.push(city);
    }
    let total = 0;
    for (const [index, city] of cities.entries()) {
      let nearest = Infinity;
      for (const other of cities) {
        if (other !== city) nearest = Math.min(nearest, distanceKm(city, other));
      }
      total += cities.length > 1 ? nearest : 0;
      if (index % 100 === 0) {
        operation.reportProgress({ current: index, total: cities.length });
        await operation.checkpoint();
      }
    }
    const meanNearestKm = Math.round((total / Math.max(1, cities.length)) * 10) / 10;
    return { country, cities: cities.length, meanNearestKm };
  }
}

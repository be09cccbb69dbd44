import { Controller, Get, Param, Query } from '@nestjs/common';
import { Cancelable, CurrentOperation, type Operation } from 'nestjs-cancelable';
import { CitiesService } from './cities.service.js';

@Controller('cities')
export class CitiesController {
  constructor(private readonly cities: CitiesService) {}

  /**
   * NDJSON, a row as soon as it is found, `pace` apart, so that there is time to press Ctrl-C.
   * The client leaves, or five minutes pass: the file is closed, and the history knows how many
   * rows were delivered.
   */
  @Get('around')
  @Cancelable({ timeout: '5m', tags: ['report'] })
  async *around(
    @CurrentOperation() operation: Operation,
    @Query('lat') lat = '48.85',
    @Query('lng') lng = '2.35',
    @Query('radius') radius = '1000',
    @Query('pace') pace = '5ms',
  ) {
    const rows = this.cities.within({ lat: Number(lat), lng: Number(lng) }, Number(radius));
    for await (const row of operation.stream(rows, { reportEvery: 100, buffer: 3 })) {
      yield row;
      await operation.sleep(pace);
    }
  }

  /** Gives up after two seconds, or after what the caller asks for; the work behind it stops too. */
  @Get('nearest/:country')
  @Cancelable({
    timeout: (_country: string, seconds?: string) => Math.min(Number(seconds ?? 2), 60) * 1_000,
  })
  nearest(@Param('country') country: string, @Query('seconds') _seconds?: string) {
    return this.cities.nearest(country.toUpperCase());
  }

  /** Search as you type: a client that drops a request for the next stops that search. */
  @Get('search')
  search(@Query('q') beginning = '') {
    return this.cities.search(beginning.toLowerCase(), 20);
  }
}

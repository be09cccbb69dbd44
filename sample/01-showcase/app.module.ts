import { Module } from '@nestjs/common';
import { CancelableModule } from 'nestjs-cancelable';
import { CitiesController } from './cities/cities.controller.js';
import { CitiesService } from './cities/cities.service.js';
import { CitySource } from './cities/city-source.js';
import { HomeController } from './home.controller.js';
import { ImportsController } from './imports/imports.controller.js';
import { ImportsService } from './imports/imports.service.js';
import { OperationsController } from './operations/operations.controller.js';

@Module({
  imports: [CancelableModule.forRoot({ defaultTimeout: '30s' })],
  controllers: [HomeController, CitiesController, ImportsController, OperationsController],
  providers: [CitySource, CitiesService, ImportsService],
})
export class AppModule {}

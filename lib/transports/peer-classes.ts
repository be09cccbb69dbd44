/** Classes of a package that is installed only where there are handlers of its kind. */
export class PeerClasses<Classes extends object> {
  private classes: Partial<Classes> = {};
  private loading: Promise<void> | undefined = undefined;

  constructor(private readonly importPackage: () => Promise<Classes>) {}

  /** `undefined`, each of them, until they are loaded. */
  get loaded(): Partial<Classes> {
    return this.classes;
  }

  /** Loads the package, once. */
  readonly load = (): Promise<void> => {
    return (this.loading ??= this.importPackage().then((classes) => void (this.classes = classes)));
  };
}

export default class DataLoader<Key, Value> {
  constructor(load: (keys: readonly Key[]) => Promise<Value[]>);
  load(key: Key): Promise<Value>;
}

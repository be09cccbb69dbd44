const IS_GATEWAY = 'websockets:is_gateway';

/** Whether a class is one of `@WebSocketGateway()`. */
export function isGateway(type: unknown): boolean {
  return typeof type === 'function' && Reflect.getMetadata(IS_GATEWAY, type) === true;
}

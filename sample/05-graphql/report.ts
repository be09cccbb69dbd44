import { Field, ObjectType } from '@nestjs/graphql';

@ObjectType()
export class Report {
  @Field(() => String)
  city!: string;

  /** Takes its time: a field resolver makes it. */
  @Field(() => String)
  summary?: string;
}

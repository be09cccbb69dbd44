import 'reflect-metadata';
import { suites } from './suites/index.mjs';

const [, , suiteName, variant] = process.argv;
const suite = suites.find(({ name }) => name === suiteName);
const numbers = await suite.measure(variant);
console.log(JSON.stringify(numbers));
process.exit(0);

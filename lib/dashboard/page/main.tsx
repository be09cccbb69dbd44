import { render } from 'preact';
import { App } from './app.js';
import { session } from './data/session.js';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/frame.css';
import './styles/grid.css';
import './styles/operation.css';
import './styles/charts.css';
import './styles/narrow.css';

const place = document.getElementById('app');
if (place !== null) render(<App />, place);
void session.start();

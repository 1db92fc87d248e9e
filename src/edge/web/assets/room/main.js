import { startLang } from '../lib/i18n.js';

startLang();

/** The version of Bitwright, as written into the models that it makes. */
export const VERSION = '0.1.0';

declare module "xhr2";

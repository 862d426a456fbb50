export { fieldsOf, QuickAdd as Composer } from "./quick-add";

"use strict";
/* From 150 rows on, groups and operations together, Swagger UI keeps only those in view in the page: what
   is out of view can neither be found by the browser's search nor printed. Each group is drawn by a list of
   its own here, which is short enough to be kept whole. */
function groupByGroup() {
  const wrapped = (Operations, { React }) => function OperationsByGroup(props) {
    const groups = props.specSelectors.taggedOperations();
    if (groups.size < 2) {
      return React.createElement(Operations, props);
    }
    const drawn = groups.keySeq().map((name) => {
      const taggedOperations = () => groups.filter((_, other) => other === name);
      const specSelectors = { ...props.specSelectors, taggedOperations };
      return React.createElement(Operations, { ...props, key: name, specSelectors });
    });
    return React.createElement("div", null, drawn.toArray());
  };
  return { wrapComponents: { operations: wrapped } };
}
window.addEventListener("load", function () {
  window.ui = window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#page",
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
    presets: [window.SwaggerUIBundle.presets.apis],
    plugins: [groupByGroup],
    layout: "BaseLayout",
  });
});

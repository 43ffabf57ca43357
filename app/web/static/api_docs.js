// Shows the OpenAPI document that #api names.
const api = document.getElementById("api");
SwaggerUIBundle({ domNode: api, url: api.dataset.url, docExpansion: "list", defaultModelsExpandDepth: 0, validatorUrl: null });

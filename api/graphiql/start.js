const tabs = JSON.parse(document.getElementById("tabs").textContent);
const fetcher = GraphiQL.createFetcher({ url: "/graphql" });
const page = React.createElement(GraphiQL, { fetcher, defaultTabs: tabs, defaultEditorToolsVisibility: true });
ReactDOM.createRoot(document.getElementById("graphiql")).render(page);

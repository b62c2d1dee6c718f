// An HTTP API behind edgeauth's authorizer, with one route.
import {App, Duration, Stack} from "aws-cdk-lib";
import {CorsHttpMethod, HttpApi, HttpMethod} from "aws-cdk-lib/aws-apigatewayv2";
import {HttpLambdaAuthorizer, HttpLambdaResponseType} from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import {HttpLambdaIntegration} from "aws-cdk-lib/aws-apigatewayv2-integrations";
import {Code, Function, Runtime} from "aws-cdk-lib/aws-lambda";
import {StringParameter} from "aws-cdk-lib/aws-ssm";

const stack = new Stack(new App(), "example");

// edgeauth's own stack already lets every API of the account and Region call the authorizer.
const authorizer = Function.fromFunctionAttributes(stack, "Edgeauth", {
  functionArn: StringParameter.valueForStringParameter(stack, "/edgeauth/authorizer"),
  skipPermissions: true,
});

const api = new HttpApi(stack, "Api", {
  defaultAuthorizer: new HttpLambdaAuthorizer("edgeauth", authorizer, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    identitySource: ["$request.header.Authorization"],
    // A cached positive answer would be used for every route, and would outlive its token.
    resultsCacheTtl: Duration.seconds(0),
  }),
  // The gateway answers preflights itself.
  corsPreflight: {
    allowOrigins: ["https://app.example.com"],
    allowMethods: [CorsHttpMethod.GET],
    allowHeaders: ["authorization", "content-type"],
    maxAge: Duration.hours(2),
  },
});

api.addRoutes({
  path: "/whoami",
  methods: [HttpMethod.GET],
  integration: new HttpLambdaIntegration("Whoami", new Function(stack, "Whoami", {
    runtime: Runtime.NODEJS_22_X,
    handler: "index.handler",
    code: Code.fromInline("exports.handler = async (event) => event.requestContext.authorizer.lambda;"),
    timeout: Duration.seconds(10),
  })),
});

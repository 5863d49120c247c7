"""Between API Gateway and the use cases: requests in, responses out."""

@bootstrap
Feature: An operator brings up a stack that is known to be good
  Scenario: Bootstrap leaves fixtures, a healthy API and evidence
    When the stack is bootstrapped
    Then the bootstrap evidence matches the snapshot
    And the API is healthy
    And the query "select count(*) as n from accounts" gives 1

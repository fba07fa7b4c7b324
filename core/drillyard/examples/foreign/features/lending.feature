@smoke
Feature: Books are lent
  Scenario: Who asks first gets the book
    Given the book "Romola" is in the catalogue
    When Tessa asks for the book
    And Tito asks for the book
    Then Tessa has the book
    And the status is 200
